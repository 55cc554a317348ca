-- People: users, their sessions, the learners they book for, instructors and what they teach.
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email citext NOT NULL,
    password_hash text NOT NULL,
    display_name text NOT NULL,
    time_zone text NOT NULL,
    roles text[] NOT NULL,
    email_verified_at timestamptz,
    stripe_customer_id text,
    created_at timestamptz NOT NULL,
    CONSTRAINT users_email_is_unique UNIQUE (email),
    CONSTRAINT users_stripe_customer_is_unique UNIQUE (stripe_customer_id),
    CONSTRAINT users_email_is_short CHECK (length(email) <= 254),
    CONSTRAINT users_display_name_is_short CHECK (length(display_name) BETWEEN 1 AND 100),
    CONSTRAINT users_roles_are_known CHECK (roles <@ ARRAY['student', 'instructor', 'admin'])
);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    kind text NOT NULL,
    user_agent text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    CONSTRAINT sessions_kind_is_known CHECK (kind IN ('token', 'cookie')),
    CONSTRAINT sessions_end_has_a_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_by_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended_lately ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE session_tokens (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    replaced_at timestamptz
);
CREATE INDEX session_tokens_by_session ON session_tokens (session_id);

CREATE TABLE learners (
    id uuid PRIMARY KEY,
    student_id uuid NOT NULL REFERENCES users (id),
    display_name text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX learners_by_student ON learners (student_id);

CREATE TABLE instructors (
    id uuid PRIMARY KEY REFERENCES users (id),
    headline text NOT NULL DEFAULT '',
    bio text NOT NULL DEFAULT '',
    languages text[] NOT NULL DEFAULT '{}',
    modalities text[] NOT NULL DEFAULT '{online}',
    home_lat double precision,
    home_lon double precision,
    travel_radius_km integer,
    is_published boolean NOT NULL DEFAULT false,
    stripe_account_id text,
    has_transfers boolean NOT NULL DEFAULT false,
    has_payouts boolean NOT NULL DEFAULT false,
    has_submitted_details boolean NOT NULL DEFAULT false,
    requirements_due text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    CONSTRAINT instructors_stripe_account_is_unique UNIQUE (stripe_account_id),
    CONSTRAINT instructors_home_is_whole CHECK ((home_lat IS NULL) = (home_lon IS NULL)),
    CONSTRAINT instructors_home_is_on_earth CHECK (home_lat BETWEEN -90 AND 90 AND home_lon BETWEEN -180 AND 180),
    CONSTRAINT instructors_modalities_are_known CHECK (modalities <@ ARRAY['online', 'in_person'] AND cardinality(modalities) > 0)
);

CREATE TABLE skills (
    slug text PRIMARY KEY,
    name text NOT NULL,
    category text NOT NULL
);
INSERT INTO skills (slug, name, category) VALUES
    ('piano', 'Piano', 'Music'), ('guitar', 'Guitar', 'Music'), ('violin', 'Violin', 'Music'),
    ('cello', 'Cello', 'Music'), ('drums', 'Drums', 'Music'), ('voice', 'Singing', 'Music'),
    ('flute', 'Flute', 'Music'), ('ukulele', 'Ukulele', 'Music'),
    ('english', 'English', 'Languages'), ('spanish', 'Spanish', 'Languages'), ('french', 'French', 'Languages'),
    ('german', 'German', 'Languages'), ('italian', 'Italian', 'Languages'), ('mandarin', 'Mandarin', 'Languages'),
    ('japanese', 'Japanese', 'Languages'), ('portuguese', 'Portuguese', 'Languages'),
    ('mathematics', 'Mathematics', 'School'), ('physics', 'Physics', 'School'), ('chemistry', 'Chemistry', 'School'),
    ('biology', 'Biology', 'School'), ('writing', 'Writing', 'School'), ('test-prep', 'Test preparation', 'School'),
    ('programming', 'Programming', 'Computing'), ('data-science', 'Data science', 'Computing'),
    ('drawing', 'Drawing', 'Arts'), ('painting', 'Painting', 'Arts'), ('photography', 'Photography', 'Arts'),
    ('dance', 'Dance', 'Arts'), ('acting', 'Acting', 'Arts'),
    ('tennis', 'Tennis', 'Sports'), ('swimming', 'Swimming', 'Sports'), ('yoga', 'Yoga', 'Sports'),
    ('chess', 'Chess', 'Games');

CREATE TABLE services (
    id uuid PRIMARY KEY,
    instructor_id uuid NOT NULL REFERENCES instructors (id),
    skill text NOT NULL,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    hourly_rate_cents integer NOT NULL,
    durations_minutes integer[] NOT NULL,
    modalities text[] NOT NULL,
    levels text[] NOT NULL DEFAULT '{}',
    age_groups text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    archived_at timestamptz,
    CONSTRAINT services_skill_is_known FOREIGN KEY (skill) REFERENCES skills (slug),
    CONSTRAINT services_rate_is_sensible CHECK (hourly_rate_cents BETWEEN 1 AND 10000000),
    CONSTRAINT services_durations_are_known CHECK (durations_minutes <@ ARRAY[30, 45, 60, 90, 120] AND cardinality(durations_minutes) > 0),
    CONSTRAINT services_modalities_are_known CHECK (modalities <@ ARRAY['online', 'in_person'] AND cardinality(modalities) > 0)
);
CREATE INDEX services_by_instructor ON services (instructor_id) WHERE archived_at IS NULL;
CREATE INDEX services_by_skill ON services (skill) WHERE archived_at IS NULL;

CREATE TABLE rate_limits (
    key text PRIMARY KEY,
    arrives_at timestamptz NOT NULL
);

CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    booking_id uuid NOT NULL,
    claimed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    finished_at timestamptz,
    response_status integer,
    response_body bytea,
    PRIMARY KEY (user_id, method, path, key),
    CONSTRAINT idempotency_keys_key_is_short CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_answer_is_whole CHECK ((finished_at IS NULL) = (response_status IS NULL))
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
