-- keep_address --
INSERT INTO hdqm.site (name, value) VALUES (%(name)s, %(value)s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE site.value <> excluded.value

-- forget_address --
DELETE FROM hdqm.site WHERE name = %(name)s

-- subsystems --
SELECT subsystem FROM hdqm.choose_subsystem() ORDER BY subsystem
