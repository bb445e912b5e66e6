// Many events, few refreshes: collects what was touched and flushes at once, then at most once per interval.

export interface Throttle {
  touch(key: string): void;
  cancel(): void;
}

export function throttle(interval_ms: number, flush: (keys: ReadonlySet<string>) => void): Throttle {
  let touched = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | null = null;

  function release(): void {
    if (touched.size === 0) {
      timer = null;
      return;
    }
    const keys = touched;
    touched = new Set();
    timer = setTimeout(release, interval_ms);
    flush(keys);
  }

  return {
    touch(key) {
      touched.add(key);
      // A short wait first: the events of one transaction arrive together.
      timer ??= setTimeout(release, Math.min(100, interval_ms));
    },
    cancel() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      touched.clear();
    },
  };
}
