package unsubscribe_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// Taking a click back gives nobody's consent again, which the click ended; the page says
// so where there was one.
func TestUndo_DoesNotPretendToBringConsentBack(t *testing.T) {
	for name, known := range map[string]bool{"a person whom a ledger knows": true, "nobody whom a ledger could know": false} {
		t.Run(name, func(t *testing.T) {
			directory := &gateDirectory{people: map[string][]string{}}
			if known {
				directory.people[siteCanary] = []string{"c-1"}
			}
			w := newRegWorld(t, unsubscribe.WithObjections(&gatePeer{}), unsubscribe.WithDirectory(directory))
			s := newSite(t)
			var err error
			s.pages, err = unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: w.r, Links: s.links})
			require.NoError(t, err)
			ticket := siteTicket()
			ticket.Tenant, ticket.SentAt, ticket.Address = regAcme, w.clock.Now(), troth.Protect(siteCanary)
			undo := undoPath(t, s.post(s.link(ticket), "act", "stop", "scope", "client"))
			w.clock.Move(time.Second)
			a := s.post(undo, "act", "undo")
			require.Equal(t, http.StatusOK, a.StatusCode)
			require.True(t, w.check(regLetter(regAcme), siteCanary).Send, "the registry's own no is lifted")
			if texts := unsubscribe.ShippedTexts()["en"]; known {
				require.Contains(t, a.text, texts.UndoneHere)
			} else {
				require.Contains(t, a.text, texts.Undone)
			}
		})
	}
}
