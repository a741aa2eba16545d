-- Why orders were rejected, for analysts: how often each reason, on how many accounts, and when last.
-- $days = 7: how many days, up to the newest that is held
select reason, symbol, count(*) as orders, count(distinct account) as accounts, max(timestamp) as last_at
from trading.order_events
where type = 'order_rejected'
  and date > (select max(date) from trading.order_events) - $days::integer
group by reason, symbol
order by orders desc, reason, symbol
