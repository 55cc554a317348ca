-- One index of lots with something left is enough: bookings read it by its end as well.
DROP INDEX credit_lots_open;
