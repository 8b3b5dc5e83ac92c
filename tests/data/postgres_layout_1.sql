CREATE TABLE public.old_inbox (
    seq bigint NOT NULL,
    key text NOT NULL,
    body bytea NOT NULL,
    headers text NOT NULL,
    endpoint text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    action text,
    category text,
    version text,
    event_time timestamp with time zone,
    notification_id text,
    ordering_key text,
    sort_time timestamp with time zone NOT NULL,
    state smallint NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone,
    lease text,
    leased_until timestamp with time zone,
    reason text,
    finished_at timestamp with time zone
);
CREATE TABLE public.old_inbox_meta (
    version integer NOT NULL,
    since timestamp with time zone NOT NULL
);
ALTER TABLE public.old_inbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.old_inbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (4, 'a3', '\x7b226e223a20332c202278223a2022c3a95c7530303030227d', '{"X-\u00fc": "1", "c": "\udcff"}', 'https://shop.example/hook', '2026-03-01 12:00:00+00', 'labelGenerated', 'rrLbl', 'v2', '2026-03-01 12:00:03+00', 'n3', 'shipment:1', '2026-03-01 12:00:03+00', 0, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (5, 'a4', '\x7b226e223a20342c202278223a2022c3a95c7530303030227d', '{"X-\u00fc": "1", "c": "\udcff"}', 'https://shop.example/hook', '2026-03-01 12:00:00+00', 'labelGenerated', 'rrLbl', 'v2', '2026-03-01 12:00:04+00', 'n4', 'shipment:1', '2026-03-01 12:00:04+00', 0, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (6, 'a5', '\x7b226e223a20352c202278223a2022c3a95c7530303030227d', '{"X-\u00fc": "1", "c": "\udcff"}', 'https://shop.example/hook', '2026-03-01 12:00:00+00', 'labelGenerated', 'rrLbl', 'v2', '2026-03-01 12:00:05+00', 'n5', 'shipment:1', '2026-03-01 12:00:05+00', 0, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (8, 'stale', '\x7b7d', '{}', '', '2026-03-01 12:00:00+00', NULL, NULL, NULL, NULL, NULL, 'shipment:2', '2026-03-01 12:00:00+00', 3, 0, NULL, NULL, NULL, 'stale', NULL);
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (7, 'plain', '\x7b7d', '{}', '', '2026-03-01 12:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, '2026-03-01 12:00:00+00', 2, 1, NULL, NULL, NULL, NULL, '2026-03-01 12:00:00+00');
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (1, 'a0', '\x7b226e223a20302c202278223a2022c3a95c7530303030227d', '{"X-\u00fc": "1", "c": "\udcff"}', 'https://shop.example/hook', '2026-03-01 12:00:00+00', 'labelGenerated', 'rrLbl', 'v2', '2026-03-01 12:00:00+00', 'n0', 'shipment:1', '2026-03-01 12:00:00+00', 2, 1, NULL, NULL, NULL, NULL, '2026-03-01 12:00:00+00');
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (2, 'a1', '\x7b226e223a20312c202278223a2022c3a95c7530303030227d', '{"X-\u00fc": "1", "c": "\udcff"}', 'https://shop.example/hook', '2026-03-01 12:00:00+00', 'labelGenerated', 'rrLbl', 'v2', '2026-03-01 12:00:01+00', 'n1', 'shipment:1', '2026-03-01 12:00:01+00', 3, 1, NULL, NULL, NULL, 'why', NULL);
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (10, 'w2', '\x7b7d', '{}', '', '2026-03-01 12:00:00+00', NULL, NULL, NULL, '2026-03-01 13:00:00+00', NULL, 'shipment:3', '2026-03-01 13:00:00+00', 0, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (3, 'a2', '\x7b226e223a20322c202278223a2022c3a95c7530303030227d', '{"X-\u00fc": "1", "c": "\udcff"}', 'https://shop.example/hook', '2026-03-01 12:00:00+00', 'labelGenerated', 'rrLbl', 'v2', '2026-03-01 12:00:02+00', 'n2', 'shipment:1', '2026-03-01 12:00:02+00', 1, 1, NULL, '22936fd42ac94f06ae2ea45780871651', '2026-03-01 12:00:30+00', NULL, NULL);
INSERT INTO public.old_inbox OVERRIDING SYSTEM VALUE VALUES (9, 'w', '\x7b7d', '{}', '', '2026-03-01 12:00:00+00', NULL, NULL, NULL, NULL, NULL, 'shipment:3', '2026-03-01 12:00:00+00', 0, 1, '2026-03-01 12:05:00+00', NULL, NULL, 'later', NULL);
INSERT INTO public.old_inbox_meta VALUES (1, '2026-03-01 12:00:00+00');
SELECT pg_catalog.setval('public.old_inbox_seq_seq', 10, true);
ALTER TABLE ONLY public.old_inbox
    ADD CONSTRAINT old_inbox_key_key UNIQUE (key);
ALTER TABLE ONLY public.old_inbox
    ADD CONSTRAINT old_inbox_pkey PRIMARY KEY (seq);
CREATE UNIQUE INDEX old_inbox_busy ON public.old_inbox USING btree (ordering_key) WHERE ((state = 1) AND (ordering_key IS NOT NULL));
CREATE INDEX old_inbox_done ON public.old_inbox USING btree (finished_at) WHERE (state = 2);
CREATE INDEX old_inbox_due ON public.old_inbox USING btree (not_before) WHERE ((state = 0) AND (not_before IS NOT NULL));
CREATE INDEX old_inbox_held ON public.old_inbox USING btree (seq) WHERE (state = 3);
CREATE INDEX old_inbox_lease ON public.old_inbox USING btree (leased_until) WHERE (state = 1);
CREATE INDEX old_inbox_ready ON public.old_inbox USING btree (sort_time, seq) WHERE (state = 0);
