import { encode } from "uqr";
import { keyFor } from "./codes.ts";
import type { Standing } from "./two-step.ts";

/** Modules of white around a QR code, as its standard asks for. */
const QUIET = 4;

/** What the page of two-step login shows. */
export function twoStepContext({ state, secret, recoveryCodes }: Standing, username: string) {
  const key = secret && keyFor(secret, username);
  return {
    ...{ isOff: state === "off", isBegun: state === "begun", isOn: state === "on", recoveryCodes },
    key: key && { text: key.text, address: key.address, qr: qrOf(key.address) },
  };
}

/** A QR code as one SVG path over a square of `size` units. */
function qrOf(text: string): { size: number; path: string } {
  const { data, size } = encode(text, { border: QUIET, ecc: "M" });
  const path = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")));
  return { size, path: path.join("") };
}
