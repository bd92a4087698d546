/** UUID text to the 16 bytes that are stored. */
export function clientIdBytes(clientId: string): Buffer {
  return Buffer.from(clientId.replaceAll("-", ""), "hex");
}

/** The 16 bytes that are stored to UUID text. */
export function clientIdText(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
