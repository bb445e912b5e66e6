// Sets dark or light before the first paint. A file of its own, because the policy forbids inline scripts.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("sluice.theme");
  } catch (_) {
    // Storage may be closed to us; the system's preference then decides.
  }
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
