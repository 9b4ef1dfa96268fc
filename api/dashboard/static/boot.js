// Before anything is painted: the chosen appearance, so that nothing flashes.
try {
  const prefs = JSON.parse(localStorage.getItem("closebell.prefs") || "{}");
  const root = document.documentElement;
  if (prefs.theme === "light" || prefs.theme === "dark") root.dataset.theme = prefs.theme;
  if (prefs.colours === "western") root.dataset.colours = "western";
} catch {
  // No storage, or not ours: the system's appearance.
}
