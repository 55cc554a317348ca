-- The booking whose payment made this transfer, top-up or fee.
SELECT booking_id
FROM payments
WHERE transfer_id = :object_id OR top_up_id = :object_id OR application_fee_id = :object_id
