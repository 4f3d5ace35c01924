/** `\r`, `\n`, `\t`, `\\` and `\xHH` in a request text stand for their bytes. */
export function unescapeBytes(text: string): Buffer {
  const plain = text.replace(/\\(r|n|t|\\|x[0-9A-Fa-f]{2})/g, (_, code: string) => {
    if (code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return { r: '\r', n: '\n', t: '\t', '\\': '\\' }[code] as string;
  });
  return Buffer.from(plain, 'latin1');
}
