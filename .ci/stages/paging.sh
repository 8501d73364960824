# One client pages through 20,000 users while 50 are deleted and 50 created; the tests do it with fewer.
# Only this stage finds: a user who is missed or listed twice in a long list.
# Runs in: deep.
LARGE_DIRECTORY_USERS=20000 run_tests user_present_during --nocapture
