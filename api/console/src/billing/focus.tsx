// FOCUS 1.4: the four data sets of an account, as files.
import { useWhole } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { ListTools } from "../ui/list-tools";
import { ScenarioChoice } from "../ui/scenario";
import { Empty, Loaded } from "../ui/states";
import { TableBox } from "../ui/table-box";
import { monthName } from "./closes";
import { useBilling } from "./shared";
import { monthBefore } from "./statements";

const SETS = [
  {
    path: "/v1/system/focus/cost-and-usage",
    name: "Cost and Usage",
    what: "Every charge of the month, with what the hardware cost",
    monthly: true,
  },
  {
    path: "/v1/system/focus/invoice-details",
    name: "Invoice Detail",
    what: "What the invoices say, line by line",
    monthly: true,
  },
  {
    path: "/v1/system/focus/contract-commitments",
    name: "Contract Commitment",
    what: "What the account has committed to",
    monthly: false,
  },
  {
    path: "/v1/system/focus/billing-periods",
    name: "Billing Period",
    what: "Which of its months are closed",
    monthly: false,
  },
] as const;
const MONTHS_OFFERED = 13;

export function Focus() {
  const tenants = useWhole("credit", { path: "/v1/system/tenants" });
  return (
    <Loaded query={tenants} what="accounts">
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No account">A tenant is a billing account.</Empty>
        ) : (
          <Sets names={items.map((item) => item.name)} />
        )
      }
    </Loaded>
  );
}

function Sets({ names }: { names: readonly string[] }) {
  const me = usePrincipal();
  const { search, set } = useBilling();
  const { tenant = names[0] ?? "", month = monthBefore(me.domain_time, 1) } = search;
  return (
    <>
      <p className="lead">
        The FinOps Open Cost and Usage Specification, version 1.4. What is exported adds up to the invoices, to the
        cent. Columns of the provider’s own (x_AmortizedCapex, x_PowerCost, x_Margin) stand last.
      </p>
      <div className="scenario">
        <ScenarioChoice
          label="Account"
          value={tenant}
          options={names.map((name) => ({ value: name, label: name }))}
          onChange={(value) => set({ tenant: value })}
        />
        <ScenarioChoice
          label="Month"
          value={month}
          options={Array.from({ length: MONTHS_OFFERED }, (_, back) => monthBefore(me.domain_time, back)).map(
            (value) => ({
              value,
              label: monthName(value),
            }),
          )}
          onChange={(value) => set({ month: value })}
        />
      </div>
      <TableBox label="Data sets">
        <thead>
          <tr>
            <th scope="col">Data set</th>
            <th scope="col">What it has</th>
            <th scope="col" className="end">
              Take along
            </th>
          </tr>
        </thead>
        <tbody>
          {SETS.map(({ path, name, what, monthly }) => (
            <tr key={path}>
              <th scope="row">{name}</th>
              <td>{what}</td>
              <td className="end">
                <ListTools
                  list={{ path, query: { tenant, ...(monthly && { month }) } }}
                  name={`focus-${name.toLowerCase().replaceAll(" ", "-")}-${tenant}${monthly ? `-${month.slice(0, 7)}` : ""}`}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </TableBox>
    </>
  );
}
