package export_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights/export"
)

func mint(t *testing.T, life time.Duration) (export.Ticket, string) {
	t.Helper()
	ticket, secret, err := export.MintTicket("acme", created, life)
	require.NoError(t, err)
	token, err := secret.Reveal("test")
	require.NoError(t, err)
	return ticket, token
}

func TestTicket_IsGoodOnceUntilItsTimeIsOver(t *testing.T) {
	ticket, token := mint(t, time.Hour)
	h, err := export.HashToken("acme", token)
	require.NoError(t, err)
	require.NoError(t, ticket.Check(h, created))
	require.NoError(t, ticket.Check(h, created.Add(time.Hour-1)))
	require.ErrorIs(t, ticket.Check(h, created.Add(time.Hour)), export.ErrTicketExpired)

	used, err := ticket.Use(h, created.Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, created.Add(time.Minute), used.Used)
	_, err = used.Use(h, created.Add(time.Minute))
	require.ErrorIs(t, err, export.ErrTicketUsed)
	require.ErrorIs(t, err, export.ErrTicket)
	require.ErrorIs(t, used.Check(h, created.Add(2*time.Hour)), export.ErrTicketUsed)
}

func TestTicket_IsOfOneTenantAndOneToken(t *testing.T) {
	ticket, token := mint(t, time.Hour)
	_, other := mint(t, time.Hour)
	elsewhere, err := export.HashToken("other", token)
	require.NoError(t, err)
	require.ErrorIs(t, ticket.Check(elsewhere, created), export.ErrTicket)
	h, err := export.HashToken("acme", other)
	require.NoError(t, err)
	require.ErrorIs(t, ticket.Check(h, created), export.ErrTicket)
	require.ErrorIs(t, export.Ticket{Expires: created.Add(time.Hour)}.Check(export.Hash{}, created), export.ErrTicket, "a ticket of nothing")
	for _, bad := range []string{"", token + "x", token[:42], token + "=", "!" + token[1:], token[:42] + "B"} {
		if h, err := export.HashToken("acme", bad); err == nil {
			require.NotEqual(t, ticket.Hash, h, bad)
		}
	}
	_, err = export.HashToken("acme", token+"=")
	require.ErrorIs(t, err, export.ErrTicket)
}

func TestMintTicket_RefusesLifeThatIsNone(t *testing.T) {
	_, _, err := export.MintTicket("acme", created, 0)
	require.Error(t, err)
	_, _, err = export.MintTicket("", created, time.Hour)
	require.Error(t, err)
}

// The vector of docs/formats/export.md.
func TestHashToken_Vector(t *testing.T) {
	h, err := export.HashToken("acme", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
	require.NoError(t, err)
	require.Contains(t, page(t), hex.EncodeToString(h[:]))
}
