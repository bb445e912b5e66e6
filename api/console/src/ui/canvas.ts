// What canvases share: sharp pixels, the theme's colours, the width of their box.
import { useEffect, useLayoutEffect, useState, useSyncExternalStore, type RefObject } from "react";
import { THEME_EVENT } from "./theme";

/** The theme in force; a canvas that reads colours names it in its dependencies. */
export function useTheme(): string {
  return useSyncExternalStore(
    (listener) => {
      document.addEventListener(THEME_EVENT, listener);
      return () => document.removeEventListener(THEME_EVENT, listener);
    },
    () => document.documentElement.dataset.theme ?? "light",
  );
}

/** The width of an element in CSS pixels, 0 before it is known. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  // Known before the first frame: a canvas is not drawn twice.
  useLayoutEffect(() => setWidth(Math.floor(element.current?.clientWidth ?? 0)), [element]);
  useEffect(() => {
    if (element.current === null) return;
    const resized = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    resized.observe(element.current);
    return () => resized.disconnect();
  }, [element]);
  return width;
}

/** Sizes the canvas for the screen's pixels and gives a cleared context that draws in CSS pixels. */
export function prepareCanvas(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context?.scale(scale, scale);
  return context;
}

/** Reads custom properties of the root: the stylesheet is the only place that names colours. */
export function cssColours<K extends string>(names: readonly K[]): Record<K, string> {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Record<
    K,
    string
  >;
}

export const CANVAS_FONT = '"Inter Variable", system-ui, sans-serif';
