//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package vault

import (
	"errors"
	"fmt"
	"os"
)

// tryLockFile fails: without a lock that dies with its program two of them could
// write over each other.
func tryLockFile(*os.File, bool) (bool, error) {
	return false, fmt.Errorf("vault: no file locks here: %w", errors.ErrUnsupported)
}

func unlockFile(*os.File) error { return nil }

func syncFolder(string) error { return nil }
