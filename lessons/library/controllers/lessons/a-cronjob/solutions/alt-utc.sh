#!/bin/sh
# about: Seoul's night in UTC, from a manifest; the backup is replaced by one on hold, and another program does the work
# answer: how-often 30
set -e
kubectl apply -f - <<MANIFEST
apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: "30 18 * * *"
  timeZone: Etc/UTC
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          containers: [{name: report, image: "drydock/base:1", command: [date]}]
MANIFEST
kubectl delete cronjob backup
kubectl create -f - <<MANIFEST
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec:
  schedule: "@hourly"
  suspend: true
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          containers: [{name: copy, image: "drydock/base:1", command: [cp, /etc/hosts, /tmp]}]
MANIFEST
kubectl create job by-hand --from=cronjob/backup
kubectl wait --for=condition=Complete job/by-hand --timeout=60s
