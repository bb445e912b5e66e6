// How smoothly something scrolls: the time between frames, as the page's own clock has it. A measurement to be looked at: what
// it comes to beside other tests is no promise.
import type { Locator } from "@playwright/test";

const FRAMES = 120;
const STEP_PX = 300; // a firm turn of the wheel each frame

/** Scrolls down by STEP_PX in each of FRAMES frames. Prints what it took beside `what`. */
export async function scrollMeasured(box: Locator, what: string): Promise<void> {
  const spans = await box.evaluate(
    (element, [frames, step_px]) =>
      new Promise<number[]>((resolve) => {
        const taken: number[] = [];
        let before = performance.now();
        function frame(now: number): void {
          taken.push(now - before);
          before = now;
          element.scrollTop += step_px;
          if (taken.length < frames) requestAnimationFrame(frame);
          else resolve(taken);
        }
        requestAnimationFrame(frame);
      }),
    [FRAMES, STEP_PX] as const,
  );
  spans.sort((a, b) => a - b);
  const at = (share: number): number => spans[Math.floor(share * (spans.length - 1))] ?? Infinity;
  console.log(`${what}: frames of ${at(0.5).toFixed(1)} ms (p50), ${at(0.99).toFixed(1)} ms (p99)`);
}
