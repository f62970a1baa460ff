/* Drives the RDS Data API with drizzle-orm: a migration as drizzle-kit writes them, relations; prints what it saw as JSON. */

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CreateDBClusterCommand, RDSClient } from "@aws-sdk/client-rds";
import { RDSDataClient } from "@aws-sdk/client-rds-data";
import { arrayContains, eq, relations, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/aws-data-api/pg";
import { migrate } from "drizzle-orm/aws-data-api/pg/migrator";
import { boolean, integer, jsonb, numeric, pgEnum, pgTable, serial, text, timestamp, uuid } from "drizzle-orm/pg-core";

const MIGRATION = `CREATE TYPE "public"."role" AS ENUM('admin', 'user');--> statement-breakpoint
CREATE TABLE "posts" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"title" text NOT NULL,
	"price" numeric(10, 2),
	"author_id" integer,
	CONSTRAINT "price_ok" CHECK ("posts"."price" >= 0)
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" serial PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"verified" boolean DEFAULT false NOT NULL,
	"role" "role" DEFAULT 'user' NOT NULL,
	"meta" jsonb,
	"tags" text[],
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_name_unique" UNIQUE("name")
);
--> statement-breakpoint
ALTER TABLE "posts" ADD CONSTRAINT "posts_author_id_users_id_fk" FOREIGN KEY ("author_id")
REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "by_author" ON "posts" USING btree ("author_id");`;

const role = pgEnum("role", ["admin", "user"]);
const users = pgTable("users", {
  id: serial("id").primaryKey(),
  name: text("name").notNull().unique(),
  verified: boolean("verified").notNull().default(false),
  role: role("role").default("user").notNull(),
  meta: jsonb("meta"),
  tags: text("tags").array(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});
const posts = pgTable("posts", {
  id: uuid("id").primaryKey().defaultRandom(),
  title: text("title").notNull(),
  price: numeric("price", { precision: 10, scale: 2 }),
  authorId: integer("author_id").references(() => users.id, { onDelete: "cascade" }),
});
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
  postsRelations: relations(posts, ({ one }) => ({
    author: one(users, { fields: [posts.authorId], references: [users.id] }),
  })),
};

const migrationsFolder = mkdtempSync(join(tmpdir(), "drizzle-"));
mkdirSync(join(migrationsFolder, "meta"));
writeFileSync(join(migrationsFolder, "0000_first.sql"), MIGRATION);
const entries = [{ idx: 0, version: "7", when: 1700000000000, tag: "0000_first", breakpoints: true }];
writeFileSync(
  join(migrationsFolder, "meta", "_journal.json"),
  JSON.stringify({ version: "7", dialect: "postgresql", entries }),
);

const options = { endpoint: process.env.AWS_ENDPOINT_URL };
const { DBCluster } = await new RDSClient(options).send(
  new CreateDBClusterCommand({
    DBClusterIdentifier: "drizzle",
    Engine: "aurora-postgresql",
    MasterUsername: "admin",
    ManageMasterUserPassword: true,
    DatabaseName: "shop",
    EnableHttpEndpoint: true,
  }),
);
const db = drizzle(new RDSDataClient(options), {
  resourceArn: DBCluster.DBClusterArn,
  secretArn: DBCluster.MasterUserSecret.SecretArn,
  database: "shop",
  schema,
});
const seen = {};
await migrate(db, { migrationsFolder });
await migrate(db, { migrationsFolder });

const [ann] = await db.insert(users).values({ name: "ann", meta: { a: [1] }, tags: ["x", "y z"] }).returning();
seen.made = [ann.id, ann.role, ann.verified, ann.meta, ann.tags, ann.createdAt instanceof Date];
await db.insert(users).values([{ name: "bob", role: "admin" }, { name: "cy", verified: true }]);
await db.insert(posts).values([{ title: "p1", authorId: 1, price: "2.5" }, { title: "p2", authorId: 1 }]);
for (const refused of [{ name: "dan", role: "guest" }, { name: "ann" }]) {
  try {
    await db.insert(users).values(refused);
  } catch (error) {
    seen.refused = [...(seen.refused ?? []), error.cause.message];
  }
}
seen.related = await db.query.users.findMany({
  columns: { name: true },
  with: { posts: { columns: { title: true, price: true }, orderBy: (post, { desc }) => [desc(post.title)] } },
  orderBy: (user, { asc }) => [asc(user.id)],
  limit: 2,
});
const first = await db.query.posts.findFirst({ where: eq(posts.title, "p1"), with: { author: true } });
seen.author = [first.author.name, first.author.verified, first.author.meta, first.author.tags];
seen.tagged = await db.select({ id: users.id }).from(users).where(arrayContains(users.tags, ["x"]));
await db.transaction(async (outer) => {
  await outer.update(users).set({ name: sql`${users.name} || '!'` }).where(eq(users.id, 2));
  await outer
    .transaction(async (inner) => {
      await inner.delete(users);
      inner.rollback();
    })
    .catch(() => {});
});
seen.names = (await db.select({ name: users.name }).from(users).orderBy(users.id)).map((row) => row.name);
await db.delete(users).where(eq(users.id, 1));
seen.left = await db.select().from(posts);

console.log(JSON.stringify(seen));
process.exit(0);
