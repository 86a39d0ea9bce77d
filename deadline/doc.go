// Package deadline says by when something must be done.
package deadline
