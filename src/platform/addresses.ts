import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";
import proxyAddr from "proxy-addr";
import { config } from "./config.ts";

/**
 * The network that a request or a socket comes from, by `TRUST_PROXY`: what a visitor puts into `X-Forwarded-For`
 * counts only as far as a proxy of ours wrote it.
 */
export function networkOf(request: IncomingMessage): string {
  return networkOfAddress(proxyAddr(request, trusted()) ?? "");
}

/**
 * What limits count as one place: an IPv4 address, or an IPv6 address's first 64 bits, of which any device
 * may choose the rest as it likes.
 */
export function networkOfAddress(text: string): string {
  const address = text.replace(/%.*$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return isIPv6(address) ? `${firstGroups(address).join(":")}::/64` : address;
}

/**
 * Where a request or a socket comes from, by `TRUST_PROXY`: what a visitor puts into `X-Forwarded-For` counts
 * only as far as a proxy of ours wrote it.
 */
export function addressOf(request: IncomingMessage): string {
  return proxyAddr(request, trusted()) ?? "";
}

/** Whether whoever is at the other end of a connection is a proxy of ours. */
export function isTrustedPeer(address: string): boolean {
  return trusted()(address, 0);
}

/** The first four groups of an IPv6 address, without leading zeros. */
function firstGroups(address: string): string[] {
  const [head = "", tail] = address.toLowerCase().split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array<string>(Math.max(0, zeros)).fill("0"), ...after];
  return groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
}

type Trusted = (address: string, hop: number) => boolean;
let compiled: Trusted | undefined;

/** The setting as Express reads it. */
function trusted(): Trusted {
  compiled ??= compile(config.trustProxy);
  return compiled;
}

function compile(setting: number | string | null): Trusted {
  if (setting === null) return () => false;
  if (typeof setting === "number") return (_address, hop) => hop < setting;
  return proxyAddr.compile(setting.split(",").map((each) => each.trim()));
}
