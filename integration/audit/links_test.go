package audit

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// TestLinks_IsPseudonymForMany compares what both find.
func TestLinks_IsPseudonymForMany(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		s := b.store(t, db)
		var names []audit.PseudonymName
		for i, tenant := range []troth.Tenant{"acme", "globex", `a"b\c,{}`, "acme", "ü"} {
			name := audit.PseudonymName{Tenant: tenant, Lookup: [32]byte{byte(i / 4), 31: 7}}
			if i == 3 {
				name.Lookup[0] = 9
			}
			names = append(names, name)
			row := audit.PseudonymRow{
				PseudonymName: name, Pseudonym: audit.Pseudonym{byte(i), 15: 1}, Tag: [32]byte{byte(i), 31: 2}, Identity: []byte{1}, CreatedAt: 1,
			}
			inserted, err := s.InsertPseudonym(t.Context(), row)
			require.NoError(t, err)
			require.True(t, inserted)
		}
		b.noChecks(t, db, "troth_audit_pseudonym")
		b.unchecked(t, db, "UPDATE troth_audit_pseudonym SET pseudonym = ? WHERE tenant = 'globex'", make([]byte, 15))
		b.unchecked(t, db, "UPDATE troth_audit_pseudonym SET tag = ? WHERE tenant = 'ü'", make([]byte, 1<<20))
		strange := names[0]
		strange.Tenant = "initech" // another tenant's look-up is not its own
		absent := names[0]
		absent.Lookup[5] = 1
		asked := append([]audit.PseudonymName{strange}, names...)
		asked = slices.Repeat(append(asked, absent, names[2], names[0]), 7) // more than one statement is of
		links, err := s.Links(t.Context(), asked)
		require.NoError(t, err)
		require.Len(t, links, len(asked))
		for i, name := range asked {
			row, found, err := s.Pseudonym(t.Context(), name)
			if err != nil {
				require.ErrorIs(t, err, audit.ErrPseudonym)
				require.Equal(t, audit.PseudonymLink{Found: true}, links[i], "zeros, which nobody believes")
				continue
			}
			require.Equal(t, audit.PseudonymLink{Found: found, Pseudonym: row.Pseudonym, Tag: row.Tag}, links[i], i)
		}
		links, err = s.Links(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, links)
	})
}
