// Light, dark, or what the system says. Not a module: it runs before the first paint.
(() => {
  const KEY = "agent-serving.theme";
  const THEMES = ["auto", "light", "dark"];

  function stored() {
    try {
      const theme = localStorage.getItem(KEY);
      return THEMES.includes(theme) ? theme : "auto";
    } catch {
      return "auto"; // storage is switched off
    }
  }

  function apply(theme) {
    document.documentElement.dataset.theme = theme;
  }

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    const select = document.getElementById("theme");
    select.value = stored();
    select.addEventListener("change", () => {
      apply(select.value);
      try {
        localStorage.setItem(KEY, select.value);
      } catch {
        // It holds for this page only.
      }
    });
  });
})();
