package export_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/browser"
	"github.com/trothdev/troth/rights/export"
)

// The pages of an archive open from a disk in a real browser: nothing that people wrote
// becomes a part of them, and nothing breaks their policy.
func TestPages_HoldHostileTextInABrowser(t *testing.T) {
	b := browser.Start(t)
	c, _ := signing(t)
	lock, secret, err := export.FreshKey()
	require.NoError(t, err)
	c.Lock = lock
	dir := unpacked(t, decrypt(t, write(t, c), secret))
	tab := b.Open(t)
	for page, title := range map[string]string{"index.html": "Your data", "information.html": "How your data is used"} {
		tab.Go("file://" + filepath.Join(dir, page))
		got, _ := tab.Title()
		require.Equal(t, title, got)
		require.Empty(t, tab.Complaints)
		require.NotEmpty(t, tab.Find("heading"))
		require.Empty(t, tab.Find("image"), "no picture is made of text")
	}
}
