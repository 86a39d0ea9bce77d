package export

import (
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/trothdev/troth"
)

// Config is what [NewWriter] needs.
type Config struct {
	// Subject is the person whose data it is, and Request the host's opaque id of the
	// request that is answered.
	Subject troth.Subject
	Request string
	// Controller is who answers for the data, as people know it.
	Controller string
	// Created is the instant of the export: all dates in the archive are this one.
	Created time.Time
	// Signer signs the manifest: see [NewSigner].
	Signer note.Signer
	// Lock closes the archive: see [LockTo], [LockWithPassphrase], [FreshPassphrase] and
	// [FreshKey].
	Lock Lock

	// Sheet is the information sheet; without one the person is told that there is none.
	Sheet *Sheet
	// Language is that of the archive's own pages, as in "de" or "fr-CA". English is
	// taken where there are no texts, see [Languages].
	Language string
	// Redactor decides about fields; see there what holds without one.
	Redactor Redactor
	// TempDir is where temporary files lie, encrypted, while an archive is written:
	// os.TempDir if empty. They take as much as the largest source, packed.
	TempDir string
}

func (c *Config) validate() error {
	if err := c.Subject.Validate(); err != nil {
		return err
	}
	switch {
	case !isName(c.Request):
		return needs("Config.Request, of 1 to 255 bytes of plain text")
	case !isName(c.Controller):
		return needs("Config.Controller, of 1 to 255 bytes of plain text")
	case c.Created.IsZero() || c.Created.Year() < 1980 || c.Created.Year() > 2107:
		return needs("Config.Created")
	case c.Signer == nil:
		return needs("Config.Signer")
	case len(c.Lock.to) == 0:
		return needs("Config.Lock")
	}
	if c.Sheet != nil {
		return c.Sheet.Validate()
	}
	return nil
}
