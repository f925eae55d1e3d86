#!/bin/sh
# Prints secrets for docker-compose.yml, new ones each time: sh docker/new-env.sh > .env
# Keep MASTER_KEY: without it nothing that people sent can be read again.
set -eu
umask 077
random() { openssl rand -hex "$1"; }
cat <<END
MASTER_KEY=$(random 32)
API_KEY=dft_first_$(random 24)
ADMIN_EMAIL=admin@localhost
ADMIN_PASSWORD=$(random 16)
S3_ACCESS_KEY_ID=defter-$(random 6)
S3_SECRET_ACCESS_KEY=$(random 24)
END
