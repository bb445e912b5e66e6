"""What a history does to invoices besides letting them be: terms that change, taxes by code and version, invoices made by hand, and voids."""
# SPDX-License-Identifier: Apache-2.0

from dataclasses import replace

from counting_house import identity_of
from oracle import books as oracle_books
from oracle.amounts import DAY_S

TAXES = (("standard", "DE"), ("standard", "US"), ("reduced", "DE"))
RATES = (0, 700, 825, 1900, 2550, 5000)


class Invoicing:
    """Of a History. drafts: those that wait for an operator, as they were drawn up."""

    def set_up_invoicing(self):
        """Every other tenant has terms of its own."""
        self.drafts, self.profiles = [], {}
        for tax in TAXES:
            self.house.new_tax_rate(*tax, self.dice.choice(RATES), self.begin - 40 * DAY_S)
        for number, tenant in enumerate(self.tenants):
            if number % 2:
                series = {"invoice_series": f"T{number}", "credit_series": f"C{number}"} if number == 1 else {}
                self.profiles[tenant.name] = self.house.new_profile_of(tenant, **self.terms(), **series)

    def terms(self):
        code, country = self.dice.choice(TAXES)
        return {"tax_code": code, "tax_country": country, "issue": self.dice.choice(("by_hand", "at_close"))}

    def new_terms(self):
        tenant = self.someone()
        if tenant.name in self.profiles:
            self.house.change_profile(tenant, self.profiles[tenant.name], **self.terms())

    def new_tax_rate(self):
        self.house.new_tax_rate(*self.dice.choice(TAXES), self.dice.choice(RATES), self.soon())

    def after_close(self, tenant, invoice):
        """Of a period's invoice: as its tenant's terms say."""
        if tenant.by_hand:
            self.drafts.append(invoice)
        else:
            self.house.books[tenant.name].issue(invoice)
            self.documents[invoice.id] = self.document(invoice.id)

    def work_off(self):
        """A draft is finalized, or issued: drawn up anew on the terms of that moment, unless it was frozen before."""
        if not self.drafts:
            return
        draft = self.dice.choice(self.drafts)
        if not draft.is_frozen and self.dice.random() < 0.3:
            draft.freeze()
            self.house.act_on_invoice(draft, "finalize")
            return
        draft.freeze()
        draft.issued_at = self.house.at()
        self.house.act_on_invoice(draft, "issue")
        self.drafts.remove(draft)
        self.house.books[draft.tenant.name].issue(draft)
        self.documents[draft.id] = self.document(draft.id)

    def void(self):
        """An invoice of which nothing was credited; a draft of the same period takes its place."""
        found = [(books, i) for books in self.house.books.values() for i in books.invoices if not i.is_void]
        if not found:
            return
        books, invoice = self.dice.choice(found)
        if invoice.is_credited:
            self.house.void_invoice(invoice, 409)
            return
        draft = replace(invoice, lines=[replace(line, credited=0, credited_u=0, credits=0) for line in invoice.lines], id=self.house.void_invoice(invoice, 201), number=None,
                        is_frozen=False, own_u=0, drawn=[])
        draft.rate_bp = oracle_books.rate_of(draft.tenant, draft.period)
        self.house.match_lines(draft)
        books.void(invoice, self.house.at())
        draft.reopened = dict(invoice.reopened)
        self.drafts.append(draft)
        before, now = self.documents[invoice.id], self.document(invoice.id)
        assert now[1:] == before[1:] and now[0]["status"] == "void", identity_of("inv", invoice.id)
        self.documents[invoice.id] = now
