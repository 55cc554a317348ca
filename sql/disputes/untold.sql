-- Which of these disputes and warnings about payments of ours nobody has told us of.
SELECT opened.id
FROM unnest(:ids::text[], :payment_intent_ids::text[]) AS opened (id, payment_intent_id)
JOIN payments ON payments.payment_intent_id = opened.payment_intent_id
WHERE
    NOT EXISTS (SELECT 1 FROM disputes WHERE disputes.id = opened.id)
    AND NOT EXISTS (SELECT 1 FROM fraud_warnings WHERE fraud_warnings.id = opened.id)
ORDER BY opened.id
