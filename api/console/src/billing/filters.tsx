// The tenant that a list is of: said in the address, shown as a tag that can be taken off.
import { useBilling } from "./shared";

export function TenantFilter() {
  const { search, set } = useBilling();
  if (search.tenant === undefined) return <span className="fine">All tenants</span>;
  return (
    <button type="button" className="small" onClick={() => set({ tenant: undefined })} title="Show all tenants">
      Only {search.tenant} <span aria-hidden="true">×</span>
      <span className="hidden"> – show all tenants</span>
    </button>
  );
}
