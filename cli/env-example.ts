// Prints .env.example: node cli/env-example.ts > .env.example

import { createEnvExample } from '#platform/config/env-example.ts';

process.stdout.write(createEnvExample());
