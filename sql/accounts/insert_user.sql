-- Opens an account; a taken e-mail breaks users_email_is_unique.
INSERT INTO users (id, email, password_hash, display_name, time_zone, roles, email_verified_at, created_at)
VALUES (:user_id, :email, :password_hash, :display_name, :time_zone, :roles, :email_verified_at, :now)
