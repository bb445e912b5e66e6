// The tenant that a list is of, in the address.
import { useWhole } from "../api/lists";
import { Choice } from "../reservations/filter-bar";
import { useBilling } from "./shared";

export function TenantFilter() {
  const { search, set } = useBilling();
  const tenants = useWhole("tenants", { path: "/v1/system/tenants" });
  return (
    <Choice
      name="Tenant"
      options={(tenants.data?.items ?? []).map(({ name }) => name)}
      value={search.tenant}
      onChange={(tenant) => set({ tenant })}
    />
  );
}
