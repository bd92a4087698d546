/** WebSocket frames (RFC 6455) as a client writes and reads them, with nothing that costs the generator time. */

const TEXT = 0x81;
const MASKED = 0x80;
const MASK_BYTES = 4;

/** One text frame. The mask is all zeros: allowed, and what is masked with it stays as it is. */
export function frameOf(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + MASK_BYTES;
  const frame = Buffer.alloc(start + length);
  frame[0] = TEXT;
  frame[1] = MASKED | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.write(text, start);
  return frame;
}

/** Cuts what comes from a server into frames; hands on the text of each. Pieces may end anywhere. */
export function frameReader(onText: (text: string) => void): (piece: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (piece) => {
    const data = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let at = 0;
    for (;;) {
      const head = headOf(data, at);
      if (!head || data.length < head.end) break;
      if ((data[at] ?? 0) === TEXT) onText(data.toString("utf8", head.start, head.end));
      at = head.end;
    }
    rest = data.subarray(at);
  };
}

function headOf(data: Buffer, at: number): { start: number; end: number } | undefined {
  if (data.length < at + 2) return undefined;
  const short = (data[at + 1] ?? 0) & 0x7f;
  const start = at + 2 + (short < 126 ? 0 : short === 126 ? 2 : 8);
  if (data.length < start) return undefined;
  const length =
    short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2));
  return { start, end: start + length };
}
