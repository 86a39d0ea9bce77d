package vault_test

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// controlAttacks are those on restrictions, their flags, and grants.
var controlAttacks = []attack{
	{
		name:   "a restricted person's old keys come back",
		before: func(c *controlled) any { return c.read("troth_vault_key", "subject = 'restricted'") },
		do: func(c *controlled, had any) []vault.Discrepancy {
			require.False(c, c.opens("restricted", orders))
			c.putBack("troth_vault_key", "subject = 'restricted' AND compartment <> '~pseudonym'", had.([]row))
			require.True(c, c.opens("restricted", orders), "what this is about")
			return []vault.Discrepancy{
				kind(vault.FlagMissing, "restricted", profile, c.restrict.Entry),
				kind(vault.FlagMissing, "restricted", invoices, c.restrict.Entry),
			}
		},
	},
	{name: "a flag is removed", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_key SET flag = NULL WHERE tenant = ? AND subject = 'restricted' AND compartment = ?", string(c.tenant), string(profile))
		require.False(c, c.opens("restricted", orders))
		require.False(c, c.opens("restricted", claims), "it does not unwrap")
		return []vault.Discrepancy{kind(vault.FlagMissing, "restricted", profile, c.restrict.Entry)}
	}},
	{name: "a flag is spoilt", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_key SET flag = ? WHERE tenant = ? AND subject = 'restricted' AND compartment = ?", []byte("no flag"), string(c.tenant), string(profile))
		require.False(c, c.opens("restricted", claims))
		return []vault.Discrepancy{kind(vault.RowUnreadable, "restricted", profile, troth.EntryID{})}
	}},
	{name: "a person is called unrestricted", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_person SET restricted = 0 WHERE tenant = ? AND subject = 'restricted'", string(c.tenant))
		return []vault.Discrepancy{kind(vault.FlagMissing, "restricted", "", c.restrict.Entry)}
	}},
	{name: "a restriction is deleted", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("DELETE FROM troth_vault_restriction WHERE tenant = ? AND subject = 'restricted'", string(c.tenant))
		require.False(c, c.opens("restricted", orders))
		return []vault.Discrepancy{
			kind(vault.RestrictionMissing, "", "", c.restrict.Entry),
			kind(vault.FlagStale, "restricted", profile, c.restrict.Entry),
			kind(vault.FlagStale, "restricted", invoices, c.restrict.Entry),
		}
	}},
	{name: "a restriction is weakened", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_restriction SET excepted = ? WHERE tenant = ? AND subject = 'restricted'", string(claims+"\n"+orders), string(c.tenant))
		require.False(c, c.opens("restricted", orders))
		forged := kind(vault.RestrictionForged, "restricted", "", c.restrict.Entry)
		return []vault.Discrepancy{forged, forged} // by its entry, and by its MAC
	}},
	{name: "a restriction is called lifted", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_restriction SET lifted_at = 1, grant_id = ?, lifted_by = ? WHERE tenant = ? AND subject = 'restricted'",
			c.grant.Entry[:], c.lifted.Lifted[:], string(c.tenant))
		require.False(c, c.opens("restricted", orders))
		// What is sealed next is not open either.
		at := c.at("restricted", "made later")
		sealed, err := c.open().AppendSeal(c.ctx(), nil, at, []byte("x"))
		require.NoError(c, err)
		_, err = c.open().AppendOpen(c.ctx(), nil, at, claims, sealed)
		require.ErrorIs(c, err, vault.ErrRestricted)
		return []vault.Discrepancy{
			kind(vault.RestrictionForged, "restricted", "", c.restrict.Entry),
			kind(vault.LiftUnevidenced, "restricted", "", c.restrict.Entry),
			kind(vault.FlagStale, "restricted", profile, c.restrict.Entry),
			kind(vault.FlagStale, "restricted", invoices, c.restrict.Entry),
			kind(vault.FlagStale, "restricted", "made later", c.restrict.Entry),
		}
	}},
	{
		name: "a restriction comes that nobody made",
		do: func(c *controlled, _ any) []vault.Discrepancy {
			id := troth.NewEntryID(time.Now())
			c.write(`INSERT INTO troth_vault_restriction (tenant, id, subject, excepted, ground, made_at, mac)
				VALUES (?, ?, 'alive', '', 'x', 1, ?)`, string(c.tenant), id[:], make([]byte, 32))
			require.True(c, c.opens("alive", orders), "keys do not carry it")
			return []vault.Discrepancy{
				kind(vault.RestrictionForged, "alive", "", id), kind(vault.RestrictionUnevidenced, "alive", "", id),
			}
		},
	},
	{name: "a restriction that was lifted comes back", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_restriction SET lifted_at = 0, grant_id = NULL, lifted_by = NULL WHERE tenant = ? AND subject = 'lifted'", string(c.tenant))
		return []vault.Discrepancy{
			kind(vault.LiftMissing, "lifted", "", c.lifted.Lifted),
			kind(vault.RestrictionForged, "lifted", "", c.lifted.Entry), // the MAC is of what it was made to
			kind(vault.FlagMissing, "lifted", "", c.lifted.Entry),
			kind(vault.FlagMissing, "lifted", profile, c.lifted.Entry),
			kind(vault.FlagMissing, "lifted", invoices, c.lifted.Entry),
		}
	}},
	{name: "a grant is forged", do: func(c *controlled, _ any) []vault.Discrepancy {
		id := troth.NewEntryID(time.Now())
		c.write(`INSERT INTO troth_vault_grant (tenant, id, subject, restriction, ground, announced_at, made_at, mac)
			VALUES (?, ?, 'restricted', ?, 'accuracy-verified', ?, ?, ?)`,
			string(c.tenant), id[:], c.restrict.Entry[:], time.Now().UnixMicro(), time.Now().UnixMicro(), make([]byte, 32))
		_, err := c.vault.Lift(c.ctx(), vault.Grant{Tenant: c.tenant, Entry: id})
		require.ErrorIs(c, err, vault.ErrForged)
		require.False(c, c.opens("restricted", orders))
		return []vault.Discrepancy{kind(vault.GrantForged, "restricted", "", id)}
	}},
	{name: "a grant is copied for another restriction", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("UPDATE troth_vault_grant SET restriction = ?, subject = 'restricted' WHERE tenant = ?", c.restrict.Entry[:], string(c.tenant))
		_, err := c.vault.Lift(c.ctx(), c.grant)
		require.ErrorIs(c, err, vault.ErrForged)
		forged := kind(vault.GrantForged, "restricted", "", c.grant.Entry)
		return []vault.Discrepancy{forged, forged} // by its entry, and by its MAC
	}},
	{name: "a grant is announced earlier", do: func(c *controlled, _ any) []vault.Discrepancy {
		g := grantFor(c.restrict)
		g.Announced = time.Now().Add(time.Hour)
		g, err := c.vault.Grant(c.ctx(), g)
		require.NoError(c, err)
		id := g.Entry
		c.write("UPDATE troth_vault_grant SET announced_at = 1 WHERE tenant = ? AND id = ?", string(c.tenant), id[:])
		_, err = c.vault.Lift(c.ctx(), g)
		require.ErrorIs(c, err, vault.ErrForged)
		forged := kind(vault.GrantForged, "restricted", "", id)
		return []vault.Discrepancy{forged, forged}
	}},
	{name: "a grant is deleted", do: func(c *controlled, _ any) []vault.Discrepancy {
		c.write("DELETE FROM troth_vault_grant WHERE tenant = ?", string(c.tenant))
		return []vault.Discrepancy{
			kind(vault.GrantMissing, "", "", c.grant.Entry), kind(vault.GrantMissing, "lifted", "", c.grant.Entry),
		}
	}},
}
