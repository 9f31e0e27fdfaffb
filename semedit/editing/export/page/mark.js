// A mark of provenance in a PNG file: its XMP in an iTXt chunk (PNG, third edition, section 11.3.3.4) behind the header.

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function checksum(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = table[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** The bytes of a PNG file with a text under a keyword; both are strings. */
export function markedPng(png, keyword, text) {
  const encoder = new TextEncoder();
  // keyword, end; not compressed, method 0; no language, end; no translated keyword, end; text
  const body = new Uint8Array([...encoder.encode(`iTXt${keyword}`), 0, 0, 0, 0, 0, ...encoder.encode(text)]);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, checksum(body));
  const header = 8 + 25; // the signature, and IHDR with its 13 bytes
  const marked = new Uint8Array(png.length + chunk.length);
  marked.set(png.subarray(0, header));
  marked.set(chunk, header);
  marked.set(png.subarray(header), header + chunk.length);
  return marked;
}
