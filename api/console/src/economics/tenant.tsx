// What a tenant sees here: its invoices.
import { useInvoices } from "../api/queries";
import { usePrincipal } from "../app/principal";
import { formatMoney } from "../format/money";
import { countOf, formatDate } from "../format/text";
import { Heading } from "../ui/heading";
import { Empty, Loaded } from "../ui/states";
import { TableBox } from "../ui/table-box";

export function TenantEconomics() {
  const me = usePrincipal();
  const invoices = useInvoices();
  return (
    <>
      <Heading title="Economics" />
      <p className="lead">Invoices of {me.tenant}.</p>
      <Loaded query={invoices} what="invoices">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No invoice yet">A month is invoiced when it has ended.</Empty>
          ) : (
            <section className="panel" aria-label="Invoices">
              <p className="fine">{countOf(items.length, "invoice")}</p>
              <TableBox label="Invoices">
                <thead>
                  <tr>
                    <th scope="col">Number</th>
                    <th scope="col">Period (UTC)</th>
                    <th scope="col">Issued</th>
                    <th scope="col" className="end">
                      Net
                    </th>
                    <th scope="col" className="end">
                      Tax
                    </th>
                    <th scope="col" className="end">
                      Total
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((invoice) => (
                    <tr key={invoice.id}>
                      <th scope="row">{invoice.number ?? invoice.status}</th>
                      <td>
                        {formatDate(invoice.period_start)} to {formatDate(invoice.period_end)}
                      </td>
                      <td>{invoice.issued_at === null ? "not issued" : formatDate(invoice.issued_at)}</td>
                      <td className="end">{formatMoney(invoice.net)}</td>
                      <td className="end">{formatMoney(invoice.tax)}</td>
                      <td className="end">
                        <b>{formatMoney(invoice.total)}</b>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </TableBox>
            </section>
          )
        }
      </Loaded>
    </>
  );
}
