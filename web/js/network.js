// What a page hears of its network: that it comes and goes, and that it is looked at again.

/** Tells `told` of it, until it returns the function that ends this. */
export function watchNetwork(told) {
  const online = () => told(true);
  const offline = () => told(false);
  const visible = () => {
    // A page that was hidden may have slept through its delays.
    if (document.visibilityState === "visible" && navigator.onLine !== false) told(true);
  };
  const page = typeof document === "undefined" ? undefined : document;
  globalThis.addEventListener?.("online", online);
  globalThis.addEventListener?.("offline", offline);
  page?.addEventListener("visibilitychange", visible);
  return () => {
    globalThis.removeEventListener?.("online", online);
    globalThis.removeEventListener?.("offline", offline);
    page?.removeEventListener("visibilitychange", visible);
  };
}
