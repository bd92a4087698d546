import { find } from "../page.ts";

/** Toggles at once and remembers in the background; follows the system until then. */
export function startTheme(): void {
  const root = document.documentElement;
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-theme-form]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = root.classList.contains("dark") || root.classList.contains("light");
      const isDark = chosen
        ? root.classList.contains("dark")
        : matchMedia("(prefers-color-scheme: dark)").matches;
      root.classList.toggle("dark", !isDark);
      root.classList.toggle("light", isDark);
      const field = find("[name=theme]", HTMLInputElement, form);
      if (field) field.value = isDark ? "light" : "dark";
      const body = new URLSearchParams({ theme: isDark ? "light" : "dark", next: "/healthz" });
      // Offline the choice lasts as long as the page.
      fetch(form.action, { method: "POST", body, keepalive: true }).catch(() => undefined);
    });
  }
}
