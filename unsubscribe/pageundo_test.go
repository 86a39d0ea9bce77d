package unsubscribe_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

var undoAction = regexp.MustCompile(`action="([A-Za-z0-9_-]+)"`)

func undoPath(t *testing.T, a answer) string {
	t.Helper()
	m := undoAction.FindStringSubmatch(a.text)
	require.NotNil(t, m, a.text)
	return "/u/" + m[1]
}

func TestUndo_IsShortAndUndoesOneOptOut(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	first := undoPath(t, s.post(path, "act", "stop", "scope", "list"))

	// GET, HEAD and a mail program undo nothing.
	require.Equal(t, http.StatusOK, s.send(http.MethodGet, first, "", "").StatusCode)
	s.send(http.MethodHead, first, "", "")
	s.oneClick(first)
	require.Equal(t, http.StatusBadRequest, s.post(first, "act", "stop", "scope", "list").StatusCode)
	require.Equal(t, listStops, s.where())

	s.move(time.Minute)
	require.Equal(t, http.StatusOK, s.post(first, "act", "undo").StatusCode)
	require.Equal(t, nothingStops, s.where())
	require.Equal(t, http.StatusOK, s.post(first, "act", "undo").StatusCode, "pressed twice")

	// The same link stops again, and the old undo does not undo that.
	s.move(time.Minute)
	second := undoPath(t, s.post(path, "act", "stop", "scope", "list"))
	require.Equal(t, listStops, s.where())
	require.Equal(t, http.StatusGone, s.post(first, "act", "undo").StatusCode, "nor says so")
	require.Equal(t, listStops, s.where())

	s.move(16 * time.Minute)
	require.Equal(t, http.StatusGone, s.post(second, "act", "undo").StatusCode)
	require.Equal(t, listStops, s.where())
}

// A mail program's POST after the person undid stops again: the person may have
// pressed it.
func TestUndo_OneClickAfterItStopsAgain(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	undo := undoPath(t, s.post(path, "act", "stop", "scope", "list"))
	s.move(time.Minute)
	s.post(undo, "act", "undo")
	s.move(time.Minute)
	s.oneClick(path)
	require.Equal(t, listStops, s.where())
}

// What was stopped before the page was used has no button that would lift it too.
func TestUndo_IsNotOfferedForWhatStoodBefore(t *testing.T) {
	s := newSite(t)
	path := s.link(siteTicket())
	s.oneClick(path)
	s.move(time.Minute)
	a := s.post(path, "act", "stop", "scope", "list")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.NotContains(t, a.text, "action=")
	// Pressed twice, the page's own button stays.
	s = newSite(t)
	path = s.link(siteTicket())
	s.post(path, "act", "stop", "scope", "list")
	undoPath(t, s.post(path, "act", "stop", "scope", "list"))
}

// TestOldLink_DoesNotEndANewerConsentSilently: within 60 days of its message a link
// does; after that a mail program's POST does not, and the person's on the page does.
func TestOldLink_DoesNotEndANewerConsentSilently(t *testing.T) {
	s := newSite(t)
	old := s.link(siteTicket())
	back := func() {
		s.move(time.Hour)
		_, err := s.registry.OptIn(troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"}), unsubscribe.OptInParams{
			Tenant: "acme", Channel: unsubscribe.Email, Address: troth.Protect(siteCanary), Scope: unsubscribe.List, List: "weekly",
			Method: unsubscribe.ByConfirmation, Reference: "form-1",
		})
		require.NoError(t, err)
		s.move(time.Hour)
	}
	s.oneClick(old)
	back()
	require.Equal(t, nothingStops, s.where())
	s.oneClick(old)
	require.Equal(t, listStops, s.where(), "within 60 days of the message")
	back()
	s.move(61 * 24 * time.Hour)
	a := s.oneClick(old)
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, nothingStops, s.where(), "the newer consent stands")

	fresh := siteTicket()
	generation, err := s.registry.Generation(t.Context(), unsubscribe.Place{Tenant: "acme", Scope: unsubscribe.List, List: "weekly"}, unsubscribe.Email, fresh.Address)
	require.NoError(t, err)
	fresh.Generation = generation
	s.oneClick(s.link(fresh))
	require.Equal(t, listStops, s.where(), "a link of the generation in force, however old")
	back()
	s.post(old, "act", "stop", "scope", "list")
	require.Equal(t, listStops, s.where(), "the person was asked")
}
