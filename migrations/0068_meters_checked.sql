-- Whether just what has a price is rated of meters, without an alarm for prices that were made or withdrawn since the last day was closed.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE OR REPLACE VIEW check_meters WITH (security_invoker = true) AS
WITH reading AS (
    SELECT u.reservation_id, u.meter_id, r.tenant_id, r.project, t.currency, m.name, u.to_at - interval '1 second' AS at, b.closed_until,
           u.quantity_milli * CASE m.aggregation WHEN 'level' THEN extract(epoch FROM u.to_at - u.from_at) ELSE 1 END AS quantity
      FROM meter_reading u JOIN meter m ON m.id = u.meter_id JOIN reservation r ON r.id = u.reservation_id JOIN tenant t ON t.id = r.tenant_id,
           books_closed_until b
     WHERE (meter_counted_with(u.to_at, u.xid, u.seq) + 1)::timestamp AT TIME ZONE 'UTC' <= b.closed_until
), counted AS (
    SELECT u.reservation_id, u.meter_id, sum(u.quantity) AS quantity, sum(u.quantity) FILTER (WHERE p.is_sure) AS sure_quantity
      FROM reading u CROSS JOIN LATERAL (
        SELECT bool_or(p.created_at < u.closed_until AND p.withdrawn_at IS NULL) AS is_sure FROM price p
         WHERE p.sku_kind = 'meter' AND p.sku = u.name AND p.currency = u.currency AND p.valid @> u.at
           AND (p.tenant_id IS NULL OR p.tenant_id = u.tenant_id AND (p.project IS NULL OR p.project = u.project))
           AND (p.withdrawn_at IS NULL OR p.withdrawn_at >= u.closed_until)) p
     WHERE p.is_sure IS NOT NULL
     GROUP BY 1, 2
), rated AS (
    SELECT reservation_id, meter_id, sum(meter_quantity) AS quantity
      FROM rated_line WHERE meter_id IS NOT NULL AND charge_category = 'usage' GROUP BY 1, 2
)
SELECT coalesce(c.reservation_id, d.reservation_id) AS reservation_id, coalesce(c.meter_id, d.meter_id) AS meter_id,
       c.quantity AS counted_quantity, d.quantity AS rated_quantity, c.sure_quantity
  FROM counted c FULL JOIN rated d ON d.reservation_id = c.reservation_id AND d.meter_id = c.meter_id
 WHERE coalesce(d.quantity, 0) NOT BETWEEN coalesce(c.sure_quantity, 0) AND coalesce(c.quantity, 0);
COMMENT ON VIEW check_meters IS 'Reservations of which not just what has a price and was counted until the last close is rated of a meter: none. A price that was made or withdrawn since may have been known to that close, or not: both are right';
