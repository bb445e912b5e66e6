/** The sign of the house: a gate between two posts. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <g fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round">
        <path d="M8 7v18M24 7v18" />
        <path d="M8 12h16" />
        <path d="M8 20h7" opacity="0.7" />
      </g>
    </svg>
  );
}
