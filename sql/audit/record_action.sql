-- Notes what an admin did.
INSERT INTO admin_actions (id, at, actor_id, action, subject, request_id, details)
VALUES (:action_id, :now, :actor_id, :action, :subject, :request_id, :details)
