// Before anything else: the chosen appearance, so that nothing flashes, and the first questions.
try {
  const prefs = JSON.parse(localStorage.getItem("closebell.prefs") || "{}");
  const root = document.documentElement;
  if (prefs.theme === "light" || prefs.theme === "dark") root.dataset.theme = prefs.theme;
  if (prefs.colours === "western") root.dataset.colours = "western";
} catch {
  // No storage, or not ours: the system's appearance.
}
// What the first view asks for, while its modules are still on their way; lib/http.js takes the answers.
globalThis.early = new Map();
if (!location.hash.includes("session=")) {
  const lists = ["vcp", "daytrading", "closing_bet"].map((name) => `/api/kr/signals?signal_type=${name}&limit=100`);
  for (const path of [...lists, "/api/kr/market-gate", "/api/kr/market-gate/history?limit=60"]) {
    const answer = fetch(path);
    answer.catch(() => null); // whoever takes it is told
    globalThis.early.set(path, answer);
  }
}
