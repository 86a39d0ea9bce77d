package vault_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/vault"
)

// TestKEKFile_IsThereWholeOrNotAtAll looks at the file while another goroutine
// makes it, as a second process does that starts at the same time: it must see
// none or a good one, and never a damaged one.
func TestKEKFile_IsThereWholeOrNotAtAll(t *testing.T) {
	for range times(6, 60) {
		path := filepath.Join(t.TempDir(), "kek")
		var making sync.WaitGroup
		making.Go(func() {
			if err := vault.CreateKEKFile(path, passphrase); err != nil {
				t.Error(err)
			}
		})
		err := fs.ErrNotExist
		for errors.Is(err, fs.ErrNotExist) && !t.Failed() {
			_, err = vault.OpenKEKFile(path, passphrase)
		}
		making.Wait()
		require.NoError(t, err)
	}
}
