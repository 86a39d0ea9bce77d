package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// writeFile replaces a file as a whole: who reads it sees the old one or the
// new one, also after a crash.
func writeFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := replaceFile(path, dir, data); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("audit: write file: %w", err)
	}
	return nil
}

// replaceFile is writeFile but for the name, which syncDir makes durable. The file
// is made in the folder scratch, of the same file system.
func replaceFile(path, scratch string, data []byte) (err error) {
	tmp, err := os.CreateTemp(scratch, scratchPrefix+"*")
	if err != nil {
		return fmt.Errorf("audit: write file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("audit: write file: %w", err), os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// syncDir makes the names in a folder durable, where there is a way to.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
