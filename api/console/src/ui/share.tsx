// A part of a whole as a bar. It says the figure beside it again, so it is hidden from screen readers' reading order.
interface ShareProps {
  part: bigint;
  whole: bigint;
  label: string;
}

const STEPS = 1000n;

export function Share({ part, whole, label }: ShareProps) {
  const filled = whole <= 0n ? 0 : Number(((part < 0n ? 0n : part > whole ? whole : part) * STEPS) / whole) / 10;
  return (
    <svg className="share" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect className="share-whole" width="100" height="6" />
      <rect className="share-part" width={filled} height="6" />
    </svg>
  );
}
