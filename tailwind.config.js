// The design's tokens. Colours are variables (src/styles/app.css gives each a light and a dark value),
// so a utility such as `bg-surface` is right in both themes without a `dark:` twin.
const variables = (...names) => Object.fromEntries(names.map((name) => [name, `var(--${name})`]));

/** @type {import("tailwindcss").Config} */
export default {
  theme: {
    colors: {
      transparent: "transparent",
      current: "currentColor",
      ...variables("canvas", "surface", "raised", "hover", "selected", "line", "field-line", "ink", "muted"),
      ...variables("accent", "accent-strong", "on-accent", "link", "focus", "danger"),
      ...variables("own", "on-own", "own-meta", "own-read", "other", "on-other", "other-meta"),
      ...variables("online", "offline"),
    },
    fontFamily: {
      sans: ["system-ui", "-apple-system", '"Segoe UI"', "Roboto", '"Noto Sans"', "sans-serif"],
      mono: ["ui-monospace", "Menlo", "Consolas", "monospace"],
    },
    fontSize: { tiny: "0.75rem", small: "0.8125rem", text: "0.9375rem", base: "1rem", title: "1.5rem" },
    borderRadius: { row: "0.75rem", bubble: "1.125rem", corner: "0.3125rem", card: "1.25rem", pill: "999px" },
    screens: { desk: "48rem" },
    extend: { spacing: { tap: "2.75rem", bar: "4rem" } },
  },
};
