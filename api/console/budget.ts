// The size budget, checked by the build: what a browser fetches before the first page stands, compressed.
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const FIRST_LOAD_BYTES_MAX = 250_000;

interface Part {
  name: string;
  bytes: number;
}

function sizeOf(name: string, content: string | Uint8Array): Part {
  // A font is compressed already.
  const bytes = name.endsWith(".woff2") ? content.length : gzipSync(content).length;
  return { name, bytes };
}

/** Fails the build where index.html, what it needs, and the largest view with what that needs exceed the budget. */
export function budget(): Plugin {
  return {
    name: "sluice-budget",
    apply: "build",
    generateBundle(_, bundle) {
      const needed = (name: string, seen = new Set<string>()): Set<string> => {
        const chunk = bundle[name];
        if (chunk === undefined || seen.has(name)) return seen;
        seen.add(name);
        if (chunk.type === "chunk") {
          for (const each of [...chunk.imports, ...(chunk.viteMetadata?.importedCss ?? [])]) needed(each, seen);
        }
        return seen;
      };
      const total = (names: Iterable<string>): Part[] =>
        [...names].map((name) => {
          const part = bundle[name];
          return sizeOf(name, part?.type === "chunk" ? part.code : (part?.source ?? ""));
        });
      const sum = (parts: Part[]): number => parts.reduce((bytes, part) => bytes + part.bytes, 0);

      const entry = Object.values(bundle).find((part) => part.type === "chunk" && part.isEntry);
      if (entry?.type !== "chunk") return this.error("the build has no entry");
      const frame = needed(entry.fileName);
      const fonts = Object.keys(bundle).filter((name) => name.endsWith(".woff2"));
      const views = entry.dynamicImports.map((view) => {
        const added = [...needed(view)].filter((name) => !frame.has(name));
        return { name: view, bytes: sum(total(added)) };
      });
      const largest = views.sort((a, b) => b.bytes - a.bytes)[0] ?? { name: "none", bytes: 0 };
      const first = sum(total([...frame, ...fonts])) + largest.bytes;
      const said = `first load ${(first / 1000).toFixed(1)} kB compressed, of it ${(largest.bytes / 1000).toFixed(1)} kB ${largest.name}`;
      if (first > FIRST_LOAD_BYTES_MAX) return this.error(`${said}: more than ${FIRST_LOAD_BYTES_MAX / 1000} kB`);
      this.info(said);
    },
  };
}
