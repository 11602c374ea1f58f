// Package pack reads lesson packs: folders of data that declare a course (see docs and the format's page).
//
// Load reads a whole pack strictly: an unknown key, a missing file, a goal without a check, a condition that does not
// compile are all Problems, each with file, line and column, and all of them are reported at once. What the format
// promises but this version does not run is refused in plain words, never ignored.
//
// A loaded Lesson is still general: its parameters have no values. For draws them from a seed and gives the lesson as
// one learner meets it.
package pack
