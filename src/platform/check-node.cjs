// Loaded before anything else: TypeScript runs as it stands only on Node 24 and later, and an older one
// would answer with a stack trace about unknown file extensions.
const [major] = process.versions.node.split(".").map(Number);
if (major < 24) {
  console.error(
    `Causerie needs Node 24 or later and this is ${process.versions.node}: install it from your distribution or https://nodejs.org, then start again.`,
  );
  process.exit(1);
}
