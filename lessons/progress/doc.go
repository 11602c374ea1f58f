// Package progress remembers what a learner has done.
//
// A Book is a folder with one file, log.jsonl: one line per Record, its checksum in front, appended and synced before
// Add returns. A line torn by a crash is cut off when the file is next opened; nothing is guessed. Several processes may
// hold the same Book: a lock file is held for each append, and what others wrote is read before every answer. Copying
// the folder to another machine takes everything along.
package progress
