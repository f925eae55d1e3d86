// Three commands that show the product at work: for the banner of a start, the start page and the README.

export interface Example {
  readonly title: string;
  /** For a POSIX shell. */
  readonly command: string;
}

/** `url` is the server's, `key` an API key or what stands for one. */
export function examples(url: string, key: string): readonly Example[] {
  const post = (body: object) =>
    [
      `curl -s '${url}/v1/inferences?wait=10s' -H 'Authorization: Bearer ${key}'`,
      `  -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`,
    ].join(' \\\n');
  return [
    {
      title: 'Ask which language a text is in',
      command: post({ model: 'language-id', input: 'Günaydın, nasılsınız?' }),
    },
    {
      title: 'Have a text continued',
      command: post({ model: 'tiny-writer', input: 'The sea ', parameters: { max_tokens: 120, seed: 7 } }),
    },
    {
      title: 'Read both again',
      command: `curl -s '${url}/v1/inferences?limit=2' -H 'Authorization: Bearer ${key}'`,
    },
  ];
}
