// Package cronjob makes a Job each time that a CronJob's schedule says so.
//
// # Part played
//
// The CronJob controller of kube-controller-manager.
//
// # How it works
//
// report has the schedule "*/5 * * * *". Reconcile asks the schedule for the most recent time after the last one that was
// served (status.lastScheduleTime, or the creation of report) and not after now. At 12:04 there is none, so the key comes
// back at 12:05 and a tenth of a second. Then there is one, 12:05, and the Job report-28395845 is created; the number is
// 12:05 in minutes since 1970. The name is the lock: should the controller be killed before it has written the time into the
// status, the next one finds that the Job exists already.
//
// A controller that was away for an hour finds twelve times missed and serves the most recent one only, unless that is
// longer ago than startingDeadlineSeconds. If the Job of the time before still runs, concurrencyPolicy decides: both run
// (Allow), the new one is skipped (Forbid), or the old one is deleted (Replace).
//
// # Left out
//
// Nothing.
//
// # In Kubernetes
//
// pkg/controller/cronjob: cronjob_controllerv2.go, utils.go. The parser of schedules is the same, github.com/robfig/cron/v3.
package cronjob
